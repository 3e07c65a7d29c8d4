"""The two tables, and the chords that everybody begins with."""

import django.db.models.deletion
from django.db import migrations, models

FIRST_CHORDS = {
    "A": "x02220",
    "Am": "x02210",
    "C": "x32010",
    "D": "xx0232",
    "Dm": "xx0231",
    "E": "022100",
    "Em": "022000",
    "G": "320003",
}


def add_first_chords(apps, _schema_editor):
    """Fill the table of chords."""
    chord = apps.get_model("practice", "Chord")
    chord.objects.bulk_create(chord(name=name, fingering=fingering) for name, fingering in FIRST_CHORDS.items())


class Migration(migrations.Migration):
    """Make the tables and fill one of them."""

    initial = True
    dependencies = ()
    operations = (
        migrations.CreateModel(
            name="Chord",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=8, unique=True)),
                ("fingering", models.CharField(max_length=6)),
            ],
            options={"ordering": ("name",)},
        ),
        migrations.CreateModel(
            name="Session",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("minutes", models.PositiveSmallIntegerField()),
                ("at", models.DateTimeField(auto_now_add=True)),
                ("chord", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="practice.chord")),
            ],
            options={"ordering": ("-at",)},
        ),
        migrations.RunPython(add_first_chords, migrations.RunPython.noop),
    )
