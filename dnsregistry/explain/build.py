"""The explanations, built for HTTP."""

from dnsregistry.api.explain import Explanations
from dnsregistry.explain.explainer import Explainer, Sources
from dnsregistry.explain.wanted import PARAMETERS


def build_explanations(sources: Sources) -> Explanations:
    """Build the handler of /v1/dns/explain."""
    return Explanations(Explainer(sources).explain, PARAMETERS)
