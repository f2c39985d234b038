"""A client of the example ERP made with zeep. Arguments: WSDL address, SKU."""

import datetime
import sys

import zeep

client = zeep.Client(sys.argv[1])
sku = sys.argv[2]
print("operations", *sorted(client.service._binding._operations))


def create(number, sku):
    return client.service.CreateSalesOrder(
        externalOrderNumber=number,
        channel="web",
        currency="EUR",
        orderedAt=datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone.utc),
        shipTo={"name": "Zoë & Söhne <GmbH>", "country": "DE"},
        line=[{"lineNumber": "1", "sku": sku, "quantity": "2.50", "unitPrice": "9.99"}],
        total="24.98",
    )


def refused(number, sku):
    try:
        create(number, sku)
    except zeep.exceptions.Fault as fault:
        detail = fault.detail[0]
        print("fault", detail.tag.split("}")[1], detail[0].text)


number = "Bestellung-Ä-注文"
print("created", create(number, sku))
refused(number, sku)
refused("4712", "no-such-sku")
for s in client.service.GetShipments(since="1970-01-01T00:00:00Z"):
    print("shipment %s of %s, %s pieces" % (s.shipmentNumber, s.orderNumber, s.line[0].quantity))
try:
    client.service.CreateSalesOrder(externalOrderNumber="1", channel="web", currency="EUR", orderedAt=datetime.datetime.now(), total="1")
except zeep.exceptions.ValidationError:
    print("refused a request without lines")
