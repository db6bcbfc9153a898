// Istiod's own configuration for our YAML, and ours in the same spelling.
//
// With the name of a folder: its kustomization, built as `kubectl kustomize` builds it. Without one: standard input is a JSON array of cases, standard output the array of their answers. A case is one state of the mesh:
// its MeshConfig, Kubernetes and Istio objects, and for each proxy what the local translator generates for it. The answer
// holds, for each proxy, what Istio's discovery server generates, and the translator's resources after a pass through
// Envoy's message types, so that both sides spell names, durations and defaults alike. A field that Envoy's messages do
// not have ends the program.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	cluster "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpoint "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	listener "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	route "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	meshconfig "istio.io/api/mesh/v1alpha1"
	"istio.io/istio/pilot/pkg/config/kube/crd"
	"istio.io/istio/pilot/pkg/model"
	"istio.io/istio/pilot/test/xds"
	"istio.io/istio/pkg/config/mesh"
	_ "istio.io/istio/pkg/config/xds" // Registers every message that an EnvoyFilter may carry.
	"istio.io/istio/pkg/kube"
	"istio.io/istio/pkg/log"
	"istio.io/istio/pkg/test"
)

// What is asked.
type Case struct {
	Mesh    string            `json:"mesh"`    // MeshConfig, as YAML
	Objects []json.RawMessage `json:"objects"` // Kubernetes: namespaces, services, pods, endpoint slices
	Configs []json.RawMessage `json:"configs"` // Istio: everything of *.istio.io
	Proxies []Proxy           `json:"proxies"`
}

// A pod whose proxy is configured.
type Proxy struct {
	Name           string            `json:"name"`
	Namespace      string            `json:"namespace"`
	ServiceAccount string            `json:"service_account"`
	Labels         map[string]string `json:"labels"`
	Address        string            `json:"address"`
	Gateway        bool              `json:"gateway"`
	Version        string            `json:"version"`      // Istio's version that the proxy names
	ProxyConfig    string            `json:"proxy_config"` // its annotation proxy.istio.io/config
	Ours           Resources         `json:"ours"`
}

// One proxy's configuration, by kind of resource.
type Resources struct {
	Clusters  []json.RawMessage `json:"clusters"`
	Endpoints []json.RawMessage `json:"endpoints"`
	Listeners []json.RawMessage `json:"listeners"`
	Routes    []json.RawMessage `json:"routes"`
}

type Pair struct {
	Istiod Resources `json:"istiod"`
	Ours   Resources `json:"ours"`
}

type Answer map[string]Pair // by name of the proxy

func main() {
	for _, scope := range log.Scopes() {
		scope.SetOutputLevel(log.NoneLevel)
	}
	work := run
	if len(os.Args) > 1 {
		work = func() error { return kustomize(os.Args[1]) }
	}
	if err := work(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func kustomize(folder string) error {
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), folder)
	if err != nil {
		return err
	}
	text, err := built.AsYaml()
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(text)
	return err
}

func run() error {
	var cases []Case
	decoder := json.NewDecoder(os.Stdin)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&cases); err != nil {
		return err
	}
	answers := make([]Answer, len(cases))
	for i, one := range cases {
		var failure error
		if err := test.Wrap(func(t test.Failer) { answers[i], failure = answer(t, one) }); err != nil {
			return fmt.Errorf("case %d: %w", i, err)
		}
		if failure != nil {
			return fmt.Errorf("case %d: %w", i, failure)
		}
	}
	return json.NewEncoder(os.Stdout).Encode(answers)
}

func answer(t test.Failer, one Case) (Answer, error) {
	meshConfig, err := mesh.ApplyMeshConfigDefaults(one.Mesh)
	if err != nil {
		return nil, err
	}
	var objects []runtime.Object
	for _, text := range one.Objects {
		object, _, err := kube.IstioCodec.UniversalDeserializer().Decode(text, nil, nil)
		if err != nil {
			return nil, fmt.Errorf("%w in %s", err, text)
		}
		objects = append(objects, object)
	}
	var texts []string
	for _, text := range one.Configs {
		texts = append(texts, string(text))
	}
	// As from a cluster: a short name is one of its domain.
	configs, _, err := crd.ParseInputs(strings.Join(texts, "\n---\n"))
	if err != nil {
		return nil, err
	}
	for i := range configs {
		configs[i].Domain = "cluster.local"
	}
	server := xds.NewFakeDiscoveryServer(t, xds.FakeOptions{
		MeshConfig:                 meshConfig,
		KubernetesObjects:          objects,
		Configs:                    configs,
		DisableSecretAuthorization: true,
	})
	found := Answer{}
	for _, proxy := range one.Proxies {
		ours, err := spelled(proxy.Ours)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", proxy.Name, err)
		}
		istiod, err := generated(server, meshConfig, proxy)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", proxy.Name, err)
		}
		found[proxy.Name] = Pair{Istiod: istiod, Ours: ours}
	}
	return found, nil
}

// What istiod sends to the proxy.
func generated(server *xds.FakeDiscoveryServer, meshConfig *meshconfig.MeshConfig, proxy Proxy) (Resources, error) {
	if proxy.ProxyConfig != "" { // The agent sends the mesh's, merged with the annotation.
		merged, err := mesh.ApplyProxyConfig(proxy.ProxyConfig, meshConfig)
		if err != nil {
			return Resources{}, err
		}
		meshConfig = merged
	}
	kind := model.SidecarProxy
	if proxy.Gateway {
		kind = model.Router
	}
	node := server.SetupProxy(&model.Proxy{
		Type:            kind,
		ID:              proxy.Name + "." + proxy.Namespace,
		IPAddresses:     []string{proxy.Address},
		ConfigNamespace: proxy.Namespace,
		Labels:          proxy.Labels,
		XdsNode:         &core.Node{Cluster: proxy.Labels["app"] + "." + proxy.Namespace}, // As the injector names it.
		Metadata: &model.NodeMetadata{
			IstioVersion:   proxy.Version,
			Namespace:      proxy.Namespace,
			ServiceAccount: proxy.ServiceAccount,
			Labels:         proxy.Labels,
			ClusterID:      "Kubernetes",
			WorkloadName:   proxy.Labels["app"],
			ProxyConfig:    (*model.NodeMetaProxyConfig)(meshConfig.DefaultConfig),
		},
	})
	var found Resources
	var err error
	listeners := server.Listeners(node)
	if found.Clusters, err = written(server.Clusters(node)); err != nil {
		return found, err
	}
	if found.Endpoints, err = written(server.Endpoints(node)); err != nil {
		return found, err
	}
	if found.Listeners, err = written(listeners); err != nil {
		return found, err
	}
	found.Routes, err = written(server.RoutesFromListeners(node, listeners))
	return found, err
}

func written[M proto.Message](messages []M) ([]json.RawMessage, error) {
	found := make([]json.RawMessage, 0, len(messages))
	for _, message := range messages {
		text, err := protojson.Marshal(message)
		if err != nil {
			return nil, err
		}
		found = append(found, text)
	}
	return found, nil
}

// Ours, read into Envoy's messages and written again.
func spelled(ours Resources) (Resources, error) {
	var found Resources
	var err error
	if found.Clusters, err = again(ours.Clusters, func() proto.Message { return &cluster.Cluster{} }); err != nil {
		return found, err
	}
	if found.Endpoints, err = again(ours.Endpoints, func() proto.Message { return &endpoint.ClusterLoadAssignment{} }); err != nil {
		return found, err
	}
	if found.Listeners, err = again(ours.Listeners, func() proto.Message { return &listener.Listener{} }); err != nil {
		return found, err
	}
	found.Routes, err = again(ours.Routes, func() proto.Message { return &route.RouteConfiguration{} })
	return found, err
}

func again(given []json.RawMessage, empty func() proto.Message) ([]json.RawMessage, error) {
	messages := make([]proto.Message, 0, len(given))
	for _, text := range given {
		message := empty()
		if err := protojson.Unmarshal(text, message); err != nil {
			return nil, fmt.Errorf("%w in %s", err, text)
		}
		messages = append(messages, message)
	}
	return written(messages)
}
