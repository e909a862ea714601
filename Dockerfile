# One image for the three roles; the command says which. Built by the same set-up as everywhere, of
# what the roles run on alone: no simulated exchange, no embedded Redis, no process runner, no tests.
FROM python:3.11-slim AS build
WORKDIR /srv/truecandle
COPY requirements.txt package.json package-lock.json .npmrc ./
COPY tools tools
COPY static static
RUN python -m tools.setup --image

FROM python:3.11-slim
RUN useradd --system --uid 10001 --home-dir /srv/truecandle --shell /usr/sbin/nologin truecandle \
    && install --directory --owner truecandle --mode 0700 /var/lib/truecandle /backups \
    && install --directory --owner truecandle --mode 0755 /srv/redis-users \
        /srv/redis-users/server /srv/redis-users/web /srv/redis-users/fetcher \
        /srv/redis-users/feed /srv/redis-users/admin \
        /srv/redis-users/mirror
WORKDIR /srv/truecandle
COPY --from=build /srv/truecandle/.venv .venv
COPY --from=build /srv/truecandle/static/dist static/dist
COPY .flaskenv app.py background_fetcher.py live_candles.py ./
COPY truecandle truecandle
COPY tools/__init__.py tools/healthy.py tools/redis_users.py tools/
COPY templates templates
ENV PATH=/srv/truecandle/.venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOST=0.0.0.0 \
    VAR_DIR=/var/lib/truecandle
USER 10001
EXPOSE 5000
HEALTHCHECK --interval=10s --timeout=5s --start-period=15s CMD ["python", "-m", "tools.healthy", "web"]
CMD ["python", "app.py"]
