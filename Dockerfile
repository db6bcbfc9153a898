# One image for every service; the command picks one: `python -m svc_order`, svc_match, svc_ledger or svc_quote.
ARG PYTHON=3.11

FROM python:${PYTHON}-slim AS build
RUN python -m venv /opt/bourse
ENV PATH=/opt/bourse/bin:$PATH PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /source
COPY requirements.in requirements.txt ./
# The matching core is compiled.
RUN apt-get update && apt-get install --yes --no-install-recommends gcc libc6-dev
RUN pip install --require-hashes -r requirements.txt
COPY . .
RUN pip install --no-deps --no-build-isolation ./protos ./sdk/python .
# What serves one machine, what checks and what builds: none of it is needed from here on.
RUN sed -n '/^# The servers of one machine/,$p' requirements.in | grep -v '^#' | xargs pip uninstall --yes pip

FROM python:${PYTHON}-slim
COPY --from=build /opt/bourse /opt/bourse
ENV PATH=/opt/bourse/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONSAFEPATH=1 PYTHONUNBUFFERED=1
USER 10001:10001
WORKDIR /
EXPOSE 50051
CMD ["python", "-m", "svc_order"]
