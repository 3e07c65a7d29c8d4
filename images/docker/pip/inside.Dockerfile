ARG PYTHON=python:3.13-slim
FROM ${PYTHON}
COPY . /app
# The only difference.
WORKDIR /app
RUN pip install -r requirements.txt
