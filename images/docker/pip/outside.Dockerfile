ARG PYTHON=python:3.13-slim
FROM ${PYTHON}
COPY . /app
RUN pip install -r requirements.txt
