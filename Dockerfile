FROM python:3.12-slim
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 HOST=0.0.0.0
WORKDIR /app
COPY requirements.txt .
RUN pip install --require-hashes -r requirements.txt
RUN useradd --create-home voicebot
COPY --chown=voicebot manage.py ./
COPY --chown=voicebot voicebot voicebot
COPY --chown=voicebot bots bots
COPY --chown=voicebot calls calls
COPY --chown=voicebot templates templates
USER voicebot
EXPOSE 3000
CMD ["sh", "-c", "python manage.py setup && exec python manage.py serve"]
