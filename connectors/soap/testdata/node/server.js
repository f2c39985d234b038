// An order service made with the npm package `soap`. It reports its faults
// with HTTP status 200, as that package does unless it is told otherwise.
const http = require('http')
const fs = require('fs')
const soap = require('soap')

const orders = new Map()

function fault(code, reason, detail) {
  return { Fault: { faultcode: code, faultstring: reason, detail, statusCode: 200 } }
}

const service = {
  OrdersService: {
    P11: {
      CreateOrder(args) {
        const lines = [].concat(args.line)
        const unknown = lines.find((l) => l.sku.startsWith('UNKNOWN'))
        if (unknown) {
          throw fault('soap:Client', `no item ${unknown.sku}`, {
            UnknownItem: { attributes: { xmlns: 'urn:erp:orders' }, sku: unknown.sku },
          })
        }
        if (args.orderNumber === 'busy') throw fault('soap:Server', 'try again')
        if (orders.has(args.orderNumber)) throw fault('soap:Client.Duplicate', `${args.orderNumber} exists`)
        orders.set(args.orderNumber, { lines, at: new Date(Date.UTC(2026, 0, 1, 0, 0, orders.size)).toISOString() })
        return { id: `SO-${args.orderNumber}`, lines: lines.length }
      },
      GetShipments(args) {
        const shipment = []
        for (const [order, o] of orders) {
          if (o.at >= args.since) shipment.push({ number: `S-${order}`, order, shippedAt: o.at })
        }
        return { shipment }
      },
    },
  },
}

const server = http.createServer((_, response) => { response.statusCode = 404; response.end() })
server.listen(0, '127.0.0.1', () => {
  const base = `http://127.0.0.1:${server.address().port}/`
  // The package confuses the actions of two bindings of one port type: leave
  // one.
  const wsdl = fs.readFileSync(process.argv[2], 'utf8').replaceAll('http://127.0.0.1:1/', base)
    .replace(/<wsdl:binding name="Orders12".*?<\/wsdl:binding>/s, '').replace(/<wsdl:port name="P12".*?<\/wsdl:port>/s, '')
  soap.listen(server, '/soap11', service, wsdl, () => console.log(`ready at ${base}soap11`))
})
