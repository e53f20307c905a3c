# A board in a container: docker build -t mmret-board . && docker run -p 7860:7860 -v board:/data mmret-board
# The board is made in the volume at the first start, and its tables are brought up to date at later ones.
FROM python:3.11-slim

ENV PIP_NO_CACHE_DIR=1 PYTHONUNBUFFERED=1 HOME=/home/board
RUN useradd --create-home --uid 1000 board && install --directory --owner=board /data
WORKDIR /opt/mmret

# torch first, as in the Makefile: what names it loosely afterwards leaves the build in place.
COPY constraints.txt ./
RUN pip install --constraint constraints.txt "$(grep '^torch==' constraints.txt)"
COPY pyproject.toml README.md LICENSE ./
COPY mmret mmret
RUN pip install --constraint constraints.txt '.[board]'

USER board
VOLUME /data
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:7860/health', timeout=4)"]
CMD ["sh", "-c", "mmret board init /data && exec mmret board serve /data --host 0.0.0.0"]
