# Needs no compiler: every locked dependency comes as a wheel.
FROM python:3.12.11-slim-bookworm@sha256:519591d6871b7bc437060736b9f7456b8731f1499a57e22e6c285135ae657bf7 AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv --without-pip /opt/venv
COPY requirements.txt .
RUN pip --python /opt/venv/bin/python install --require-hashes --only-binary :all: -r requirements.txt
WORKDIR /app
COPY manage.py ./
COPY voicebot voicebot
COPY bots bots
COPY calls calls
COPY templates templates
# The container runs read-only, so Python could not write its bytecode later.
RUN python -m compileall -q /app

FROM python:3.12.11-slim-bookworm@sha256:519591d6871b7bc437060736b9f7456b8731f1499a57e22e6c285135ae657bf7
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    HOST=0.0.0.0 PORT=3000
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin voicebot
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
# A volume that is mounted here belongs to the same user.
RUN install -d -o 10001 -m 700 /app/traces /app/recordings
WORKDIR /app
USER 10001
EXPOSE 3000
STOPSIGNAL SIGTERM
# Checks only that the process lives: a process that is being stopped, or waits for its
# database, must not be killed.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as web; web.urlopen(f\"http://127.0.0.1:{os.environ['PORT']}/healthz\", timeout=4)"]
# Run `python manage.py setup` before it, once.
CMD ["python", "manage.py", "serve"]
