FROM python:3.13-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY dnsregistry ./dnsregistry
RUN python -m venv /opt/dnsregistry && /opt/dnsregistry/bin/pip install --no-cache-dir '.[redis,speed]'

FROM python:3.13-slim
COPY --from=build /opt/dnsregistry /opt/dnsregistry
RUN useradd --system --uid 953 --home-dir /nonexistent --shell /usr/sbin/nologin dnsregistry \
    && install -d -o dnsregistry /var/lib/dnsregistry
USER dnsregistry
# Whoever reaches the HTTP API is to be asked for a token, or the start to be told that being open
# is meant:
#   docker run -v registry:/var/lib/dnsregistry -e DNSREGISTRY_TOKENS_FILE=/var/lib/dnsregistry/tokens.toml …
#   docker run -e DNSREGISTRY_INSECURE=true …
ENV DNSREGISTRY_DNS_HOST=0.0.0.0 DNSREGISTRY_HTTP_HOST=0.0.0.0 \
    DNSREGISTRY_STORE=sqlite:////var/lib/dnsregistry/registry.db
VOLUME /var/lib/dnsregistry
EXPOSE 5300/udp 5300/tcp 8053/tcp
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["/opt/dnsregistry/bin/python", "-c", \
    "from urllib.request import urlopen; urlopen('http://127.0.0.1:8053/ready', timeout=2)"]
ENTRYPOINT ["/opt/dnsregistry/bin/dnsregistry"]
CMD ["serve"]
