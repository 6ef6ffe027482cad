# The service: API, linker and, unless VROEGSEIN_DATABASE_URL names another server, the embedded PostgreSQL.
#
#   docker build -t vroegsein .
#   docker volume create vroegsein
#   docker run --rm -v vroegsein:/var/lib/vroegsein vroegsein vroegsein operator init
#   docker run --rm -v vroegsein:/var/lib/vroegsein vroegsein vroegsein operator migrate
#   docker run --init -v vroegsein:/var/lib/vroegsein -p 127.0.0.1:8000:8000 \
#       -e VROEGSEIN_PUBLIC_URL=https://vroegsein.example.org vroegsein
#
# TLS ends at a proxy in front of port 8000, reached by no other way. `--init` reaps processes that lost their parent.
# Give PostgreSQL time to stop: `docker stop --time 60`.

FROM python:3.11-slim AS build
WORKDIR /src
RUN pip install --no-cache-dir uv==0.13.9
COPY pyproject.toml uv.lock ./
RUN uv export --locked --no-emit-project --extra service --extra logboek --output-file /requirements.txt \
    && python -m venv /opt/vroegsein \
    && /opt/vroegsein/bin/pip install --no-cache-dir --require-hashes --requirement /requirements.txt
COPY . .
RUN /opt/vroegsein/bin/pip install --no-cache-dir --no-deps '.[service]'

FROM python:3.11-slim
# PostgreSQL wants a user with a name; it is the owner of the volume too.
RUN useradd --system --user-group --no-create-home --home-dir /var/lib/vroegsein --shell /usr/sbin/nologin vroegsein \
    && install --directory --owner=vroegsein --group=vroegsein --mode=0700 /var/lib/vroegsein
COPY --from=build /opt/vroegsein /opt/vroegsein
ENV PATH=/opt/vroegsein/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    VROEGSEIN_HOME=/var/lib/vroegsein
USER vroegsein
VOLUME /var/lib/vroegsein
EXPOSE 8000
STOPSIGNAL SIGTERM
CMD ["vroegsein", "serve", "--host", "0.0.0.0", "--port", "8000"]
