"""The service mesh: Istio's YAML (istio/), and that YAML onto Envoys of one machine (local/)."""
