"""The mesh of one home: a sidecar before every service, a gateway, and a controller that keeps them in step with the YAML."""
