FROM python:3.13-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY dnsregistry ./dnsregistry
RUN python -m venv /opt/dnsregistry && /opt/dnsregistry/bin/pip install --no-cache-dir '.[redis,speed]'

FROM python:3.13-slim
COPY --from=build /opt/dnsregistry /opt/dnsregistry
RUN useradd --system --home-dir /nonexistent --shell /usr/sbin/nologin dnsregistry \
    && install -d -o dnsregistry /var/lib/dnsregistry
USER dnsregistry
# The HTTP API then lets anyone write who reaches it, so the start asks to be told that this is
# meant: docker run -e DNSREGISTRY_INSECURE=true …
ENV DNSREGISTRY_DNS_HOST=0.0.0.0 DNSREGISTRY_HTTP_HOST=0.0.0.0
EXPOSE 5300/udp 5300/tcp 8053/tcp
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["/opt/dnsregistry/bin/python", "-c", \
    "from urllib.request import urlopen; urlopen('http://127.0.0.1:8053/ready', timeout=2)"]
ENTRYPOINT ["/opt/dnsregistry/bin/dnsregistry"]
CMD ["serve"]
