"""What of the gateway's YAML is generated: JSON for every public method, from the protos, and what the gateway itself answers.

`python -m mesh.gateway` writes `mesh/istio/gateway-json.yaml` and `mesh/istio/gateway-replies.yaml`.
"""
