# syntax=docker/dockerfile:1
# Sallyport as one file on a base without shell, Node or package manager. See docs/guide/deploy.md.

FROM node:22-bookworm-slim AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
COPY scripts scripts
RUN node scripts/setup.mjs --production
COPY src src
RUN npm run --silent build -- --out /out && mv /out/sallyport-*-linux-* /out/sallyport
# Volumes take the owner and mode of what they cover.
RUN mkdir -m 0700 /empty

FROM gcr.io/distroless/base-nossl-debian12:nonroot
COPY --from=build --chmod=0755 /out/sallyport /usr/local/bin/sallyport
COPY --from=build --chown=65532:65532 /empty /data
COPY --from=build --chown=65532:65532 /empty /keys
# The root key is not in the volume that is backed up.
ENV SALLYPORT_DATA=/data SALLYPORT_ROOT_KEY_FILE=/keys/root.key
VOLUME ["/data", "/keys"]
EXPOSE 4141
USER 65532:65532
HEALTHCHECK --interval=10s --timeout=6s --start-period=30s --retries=3 CMD ["/usr/local/bin/sallyport", "health"]
ENTRYPOINT ["/usr/local/bin/sallyport"]
CMD ["up"]
