# syntax=docker/dockerfile:1
FROM python:3.11-slim-bookworm AS build
WORKDIR /src
COPY requirements/run.txt requirements/run.txt
RUN python -m venv /opt/nadir \
    && /opt/nadir/bin/pip install --no-cache-dir --require-hashes -r requirements/run.txt
COPY pyproject.toml README.md nadir.py ./
COPY requirements requirements
COPY clinical clinical
COPY data data
COPY jobs jobs
COPY dashboard dashboard
COPY commands commands
RUN /opt/nadir/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.11-slim-bookworm
RUN apt-get update \
    && apt-get install -y --no-install-recommends libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fontconfig \
        fonts-dejavu-core fonts-liberation \
    && rm -rf /var/lib/apt/lists/*
RUN groupadd --system --gid 10001 nadir \
    && useradd --system --uid 10001 --gid nadir --home-dir /var/lib/nadir --create-home nadir
COPY --from=build /opt/nadir /opt/nadir
ENV PATH=/opt/nadir/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /var/lib/nadir
EXPOSE 8050
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8050/healthz', timeout=4)"]
ENTRYPOINT ["nadir"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8050"]
