# syntax=docker/dockerfile:1
# The steps are scripts, so that deploy/image/prove can run them in a clean root where there is no engine.
FROM python:3.11-slim-bookworm AS build
WORKDIR /src
COPY deploy/image deploy/image
COPY requirements requirements
RUN deploy/image/dependencies
COPY pyproject.toml README.md nadir.py ./
COPY clinical clinical
COPY data data
COPY jobs jobs
COPY dashboard dashboard
COPY commands commands
RUN deploy/image/program

FROM python:3.11-slim-bookworm
COPY deploy/image /opt/image
RUN /opt/image/system
COPY --from=build /opt/nadir /opt/nadir
ENV PATH=/opt/nadir/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /var/lib/nadir
EXPOSE 8050
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["/opt/image/healthy"]
ENTRYPOINT ["nadir"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8050"]
