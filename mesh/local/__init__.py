"""What istiod does on a cluster, on one machine: Istio and Kubernetes documents become files that Envoys watch."""
