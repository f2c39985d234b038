"""A stock service made with spyne: SOAP 1.2, WSDL made from the program."""

import logging
import sys
from wsgiref.simple_server import WSGIRequestHandler, make_server

from spyne import Application, Array, ComplexModel, Decimal, Fault, Integer, ServiceBase, Unicode, rpc
from spyne.protocol.soap import Soap11, Soap12
from spyne.server.wsgi import WsgiApplication

logging.basicConfig(level=logging.ERROR)


class Level(ComplexModel):
    __namespace__ = "urn:example:stock"
    sku = Unicode(min_occurs=1)
    quantity = Decimal(min_occurs=1)


class Receipt(ComplexModel):
    __namespace__ = "urn:example:stock"
    id = Unicode(min_occurs=1)
    revision = Integer(min_occurs=1)


levels = {}


class Stock(ServiceBase):
    @rpc(Level, _returns=Receipt)
    def SetLevel(ctx, level):
        if level.sku.startswith("UNKNOWN"):
            raise Fault("Client.UnknownItem", "no item %s" % level.sku)
        if level.sku == "BUSY":
            raise Fault("Server", "try again")
        levels[level.sku] = level.quantity
        return Receipt(id=level.sku, revision=len(levels))

    @rpc(_returns=Array(Level))
    def GetLevels(ctx):
        return [Level(sku=s, quantity=q) for s, q in sorted(levels.items())]


class Quiet(WSGIRequestHandler):
    def log_message(self, *args):
        pass


protocol = {"1.1": Soap11, "1.2": Soap12}[sys.argv[1]]
app = Application([Stock], "urn:example:stock", in_protocol=protocol(validator="lxml"), out_protocol=protocol())
server = make_server("127.0.0.1", 0, WsgiApplication(app), handler_class=Quiet)
print("ready at http://127.0.0.1:%d/" % server.server_port, flush=True)
server.serve_forever()
