// Package routing turns route files into handlers on Watermill's router.
//
// A route says where documents come from, what they become and where they go:
//
//	route: shop-orders
//	from: shop.orders                    # a source endpoint of connections/shop.yaml
//	map: mappings/shop-order.yaml        # to a canonical entity, always
//	key: out.orderNumber                 # order is kept per key
//	to:
//	  - endpoint: erp.sales-orders
//	    map: mappings/order-to-soap.yaml
//
// It compiles into one inbound handler, which takes what intake made durable,
// filters, splits, maps and publishes canonical events, and one lane for each
// target, which consumes those events and delivers them (see core/delivery).
// A route may also start at a canonical entity, `from: {entity: order}`, and
// then consumes the canonical events of every route that produces them.
//
// Nothing goes from one system straight to another: what stands between them
// is a canonical entity, so that a system can be replaced by changing its own
// connection and mapping only. [Lint] refuses a route that breaks this.
package routing
