# Where the lines of notes are typed: a Debian with Python, the usual small tools, and one version's kubectl.
ARG PYTHON=python:3.13-slim
FROM ${PYTHON}
RUN apt-get update -q && apt-get install -qy --no-install-recommends \
      bsdextrautils bsdutils curl jq less openssl procps tree unzip vim-tiny wget \
    && rm -rf /var/lib/apt/lists/* && ln -sf /usr/bin/vim.tiny /usr/local/bin/vi
COPY kubectl /usr/local/bin/kubectl
COPY inside.py /inside.py
RUN useradd --uid 1000 --no-create-home --home-dir /home/reader --shell /bin/bash reader \
    && mkdir -p /home/reader /gate /steps && chown reader /home/reader /gate && chmod 755 /usr/local/bin/kubectl /inside.py

USER reader
WORKDIR /home/reader
ENV HOME=/home/reader LC_ALL=C.UTF-8 TERM=xterm PAGER=cat KUBE_EDITOR=true EDITOR=true KUBECTL_KUBERC=false
ENTRYPOINT ["python3", "/inside.py"]
