"""The least that pip asks of what builds a package: a wheel, an archive of the module and of what is said of it."""

import zipfile
from pathlib import Path

NAME = "strings-1.0-py3-none-any.whl"
TOLD = "strings-1.0.dist-info"


def build_wheel(wheel_directory, _config_settings=None, _metadata_directory=None):
    """Write the wheel, and give its name (PEP 517)."""
    with zipfile.ZipFile(Path(wheel_directory, NAME), "w") as wheel:
        wheel.write("strings.py")
        wheel.writestr(f"{TOLD}/METADATA", "Metadata-Version: 2.1\nName: strings\nVersion: 1.0\n")
        wheel.writestr(f"{TOLD}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{TOLD}/RECORD", f"strings.py,,\n{TOLD}/METADATA,,\n{TOLD}/WHEEL,,\n{TOLD}/RECORD,,\n")
    return NAME
