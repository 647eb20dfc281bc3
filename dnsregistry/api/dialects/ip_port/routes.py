"""The ip-port dialect, built: its routes and what stands behind them."""

from dnsregistry.api.awaited import once_loaded
from dnsregistry.api.cors import Cors
from dnsregistry.api.dialects.dialect import Context
from dnsregistry.api.dialects.http import HttpListener, build_application
from dnsregistry.api.dialects.ip_port.form import make_tell
from dnsregistry.api.dialects.ip_port.instances import Instances
from dnsregistry.api.dialects.ip_port.overview import Overview


def build(context: Context) -> HttpListener:
    """The dialect, ready to be started."""
    instances, overview = Instances(context), Overview(context)
    routes = (
        ("POST", "/register", instances.register),
        ("POST", "/heartbeat", instances.renew),
        ("GET", "/resolve/{name:[^/]+}", once_loaded(context.api, instances.resolve)),
        ("DELETE", "/services/{name:[^/]+}/instances", instances.remove),
        ("GET", "/services", once_loaded(context.api, overview.list_services)),
        ("GET", "/stats", overview.tell_stats),
        ("GET", "/health", overview.tell_health),
    )
    tell = make_tell(context.api.now)
    cors = Cors(context.settings.ip_port_origins)
    application = build_application(routes, tell, cors, context.tally)
    return HttpListener(application, context.sock, tell)
