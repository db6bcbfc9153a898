"""Does the local mesh do what Istio does? Istio's own discovery server and the local translator get the same YAML, and every difference in
what Envoy would be told needs a reason."""
