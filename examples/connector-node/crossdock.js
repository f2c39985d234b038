// The connector protocol for Node.js: everything that is not about folders.
// serve(connector) speaks plugins/protocol/connector.proto; the connector has
//
//   spec      {name, version, summary, effect, schema}
//   validate  (config, role) -> [{field, message, hint}]
//   source    (config) -> {read(max) -> [{id, payload, position}], ack(records), check()}
//   sink      (config) -> {write(record) -> {externalId} or throws, check()}
//   call      (config) -> {call(operation, record) -> record or throws, check()}
//
// Thrown errors may carry cls (a Problem.Class) and code.
'use strict';
const fs = require('fs');
const os = require('os');
const path = require('path');
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

const COOKIE = ['CROSSDOCK_CONNECTOR', '5f1d0c3e-crossdock-connector-v1'];
const MAX_MESSAGE = 64 << 20;
const PROTO = path.join(__dirname, '..', '..', 'plugins', 'protocol');

// 64-bit numbers as text: JavaScript's own lose digits beyond 2^53.
const options = { longs: String, enums: String, defaults: true, oneofs: true };
const load = (dir, file) =>
  grpc.loadPackageDefinition(loader.loadSync(path.join(dir, file), { ...options, includeDirs: [dir] }));

class Failure extends Error {
  constructor(cls, code, message, field) {
    super(message);
    Object.assign(this, { cls, code, field });
  }
}

const problem = (err) => ({
  class: err.cls || 'BUG',
  code: String(err.code || 'node.exception'),
  message: err.message || String(err),
  field: err.field || '',
  detail: err.cls ? {} : { stack: String(err.stack || '') },
});

// google.protobuf.Struct to plain values.
function plain(value) {
  if (!value) return {};
  if (value.fields) return Object.fromEntries(Object.entries(value.fields).map(([k, v]) => [k, plain(v)]));
  switch (value.kind) {
    case 'structValue': return plain(value.structValue);
    case 'listValue': return value.listValue.values.map(plain);
    case 'nullValue': return null;
    case undefined: return {};
    default: return value[value.kind];
  }
}

const millis = (d) => (d ? Number(d.seconds) * 1000 + d.nanos / 1e6 : 0);

// Reader serves one Read stream: credit, batches, cumulative acknowledgements.
class Reader {
  constructor(stream, source, start, ended) {
    Object.assign(this, { stream, source, ended, credit: start.creditBatches, seq: 0, acked: 0, position: start.fromPosition });
    this.max = start.maxRecords || 256;
    this.inFlight = [];
    this.timer = setInterval(() => this.pump(), 5);
    this.pump();
  }

  pump() {
    try {
      while (!this.stopped && this.credit > 0) {
        const records = this.source.read(this.max);
        if (records.length === 0) break;
        const position = Buffer.from(records[records.length - 1].position);
        this.credit--;
        this.seq++;
        this.inFlight.push({ seq: this.seq, records, position });
        this.stream.write({ seq: this.seq, position, records: records.map(encode) });
      }
    } catch (err) {
      return this.fail(grpc.status.INTERNAL, err.message);
    }
    if (this.stopped && this.inFlight.length === 0) this.finish();
  }

  control(m) {
    if (m.ack) {
      this.credit += m.ack.credit;
      while (this.inFlight.length && this.inFlight[0].seq <= Number(m.ack.upToSeq)) {
        const batch = this.inFlight.shift();
        this.source.ack(batch.records);
        Object.assign(this, { acked: batch.seq, position: batch.position });
      }
    } else if (m.nack) {
      // Acknowledgements are cumulative: a later one must not cover this batch.
      return this.fail(grpc.status.UNAVAILABLE, `batch ${m.nack.seq} was not stored; read again`);
    } else if (m.stop) {
      this.stopped = true;
    }
    this.pump();
  }

  fail(code, details) {
    if (this.over) return;
    this.release();
    this.stream.emit('error', { code, details });
  }

  finish() {
    if (this.over) return;
    this.release();
    this.stream.end();
  }

  release() {
    this.over = true;
    clearInterval(this.timer);
    this.ended();
  }
}

function encode(r) {
  return {
    id: r.id, position: Buffer.from(r.position || ''), entity: r.entity || 'document', operation: r.operation || 'event',
    key: Buffer.from(r.key || ''), payload: Buffer.from(r.payload), contentType: r.contentType || 'application/json',
    meta: Object.entries(r.meta || {}).map(([k, v]) => ({ k, v })),
  };
}

function decode(r) {
  return {
    id: r.id, entity: r.entity, operation: r.operation, key: r.key.toString(), payload: r.payload,
    contentType: r.contentType, meta: Object.fromEntries(r.meta.map(({ k, v }) => [k, v])),
  };
}

function service(connector) {
  const instances = new Map();
  let session = null;
  const roles = ['source', 'sink', 'call'].filter((r) => connector[r]);
  const diagnostics = (found) =>
    found.map((f) => ({ severity: 'ERROR', hint: f.hint || '', problem: { class: 'CONFIG', code: 'config', message: f.message, field: f.field } }));
  const missing = (id) => ({ code: grpc.status.NOT_FOUND, details: `this plugin process has no open instance "${id}"` });

  // with answers NotFound for instances that are not open.
  const withInstance = (f) => (call, reply) => {
    const i = instances.get(call.request.instanceId);
    if (!i) return reply(missing(call.request.instanceId));
    return f(i, call.request, reply);
  };

  function close(id) {
    const i = instances.get(id);
    instances.delete(id);
    if (i && i.reader) i.reader.finish();
  }

  async function writeBatch(i, data) {
    const failures = [], notes = [];
    const deadline = millis(data.deadline) ? Date.now() + millis(data.deadline) : Infinity;
    data.records.forEach((r, index) => {
      try {
        if (Date.now() > deadline) throw new Failure('RETRYABLE', 'deadline', 'the time for this batch was over before this record');
        const note = i.value.write(decode(r));
        if (note && note.externalId) notes.push({ index, externalId: note.externalId });
      } catch (err) {
        failures.push({ index, problem: problem(err) });
      }
    });
    return { seq: data.seq, failures, notes };
  }

  return {
    describe: (call, reply) => reply(null, {
      ...connector.spec, capabilities: [...roles, 'check', 'drain'], protocolMinor: 0,
      configSchema: Buffer.from(JSON.stringify(connector.spec.schema)),
    }),

    // The lease: when this stream ends the host is gone, and so are we.
    session(stream) {
      if (session) return stream.emit('error', { code: grpc.status.FAILED_PRECONDITION, details: 'this plugin process already has a session' });
      session = stream;
      const lost = () => process.exit(0);
      stream.on('data', (m) => {
        if (m.ping) stream.write({ pong: { t: m.ping.t, rss: String(process.memoryUsage().rss), goroutines: 1 } });
        if (m.hello) stream.write({ log: { level: 'info', message: 'connector started', t: String(BigInt(Date.now()) * 1000000n) } });
      });
      for (const event of ['end', 'error', 'cancelled']) stream.on(event, lost);
    },

    validate: (call, reply) => reply(null, { diagnostics: diagnostics(connector.validate(plain(call.request.config), call.request.role)) }),

    open(call, reply) {
      const { instanceId, role, config } = call.request;
      const found = connector.validate(plain(config), role);
      close(instanceId);
      if (found.length) return reply(null, { diagnostics: diagnostics(found) });
      try {
        const cfg = plain(config);
        instances.set(instanceId, { role, cfg, value: connector[role](cfg) });
        reply(null, { diagnostics: [] });
      } catch (err) {
        reply(null, { diagnostics: [{ severity: 'ERROR', problem: problem(err) }] });
      }
    },

    check: withInstance((i, _, reply) => {
      try {
        reply(null, { steps: [{ name: i.value.check(), ok: true }] });
      } catch (err) {
        reply(null, { steps: [{ name: 'check', ok: false, problem: problem(err) }] });
      }
    }),

    discover(stream) {
      if (!instances.has(stream.request.instanceId)) return stream.emit('error', missing(stream.request.instanceId));
      stream.write({ entities: [{ entity: 'document', directions: roles }], operations: [] });
      stream.end();
    },

    drain: withInstance((i, request, reply) => {
      const r = i.reader;
      if (!r) return reply(null, {});
      r.stopped = true;
      r.pump();
      const until = Date.now() + (millis(request.deadline) || 5000);
      const wait = setInterval(() => {
        if (!r.over && Date.now() < until) return;
        clearInterval(wait);
        r.finish();
        reply(null, { lastPosition: r.position, lastSeq: String(r.acked) });
      }, 2);
    }),

    close(call, reply) {
      close(call.request.instanceId);
      reply(null, {});
    },

    read(stream) {
      let reader = null;
      stream.on('data', (m) => {
        if (reader) return reader.control(m);
        const i = instances.get(m.start ? m.start.instanceId : '');
        if (!i) return stream.emit('error', missing(m.start && m.start.instanceId));
        if (i.reader) i.reader.finish(); // the newest stream wins
        // A fresh source: what was read and not acknowledged is offered again.
        i.value = connector.source(i.cfg);
        const mine = (reader = i.reader = new Reader(stream, i.value, m.start, () => { if (i.reader === mine) i.reader = null; }));
      });
      for (const event of ['end', 'cancelled', 'error']) stream.on(event, () => reader && !reader.over && reader.finish());
    },

    write(stream) {
      let i = null;
      let queue = Promise.resolve();
      stream.on('data', (m) => {
        if (m.start) {
          i = instances.get(m.start.instanceId);
          if (!i) stream.emit('error', missing(m.start.instanceId));
          return;
        }
        queue = queue.then(() => writeBatch(i, m.data)).then((ack) => stream.write(ack));
      });
      stream.on('end', () => queue.then(() => stream.end()));
      stream.on('error', () => {});
    },

    call: withInstance((i, request, reply) => {
      try {
        reply(null, { output: encode(i.value.call(request.operation, decode(request.input))) });
      } catch (err) {
        reply(null, { problem: problem(err) });
      }
    }),
  };
}

function serve(connector) {
  if (process.env[COOKIE[0]] !== COOKIE[1]) {
    console.error(`${connector.spec.name} is a Crossdock connector. It is started by crossdock and does nothing on its own.`);
    process.exit(1);
  }
  // The first line of standard output is the handshake; all else is log.
  console.log = console.info = console.error;
  process.on('SIGINT', () => {});
  const server = new grpc.Server({ 'grpc.max_receive_message_length': MAX_MESSAGE, 'grpc.max_send_message_length': MAX_MESSAGE });
  const own = path.join(__dirname, 'proto');
  server.addService(load(own, 'health.proto').grpc.health.v1.Health.service, { check: (_, reply) => reply(null, { status: 'SERVING' }) });
  server.addService(load(own, 'goplugin.proto').plugin.GRPCController.service, {
    shutdown(_, reply) {
      reply(null, {});
      setTimeout(() => process.exit(0), 10);
    },
  });
  server.addService(load(PROTO, 'connector.proto').crossdock.connector.v1.Connector.service, service(connector));
  const socket = path.join(process.env.PLUGIN_UNIX_SOCKET_DIR || os.tmpdir(), `crossdock-node-${process.pid}`);
  process.on('exit', () => fs.rmSync(socket, { force: true }));
  server.bindAsync('unix:' + socket, grpc.ServerCredentials.createInsecure(), (err) => {
    if (err) throw err;
    process.stdout.write(`1|1|unix|${socket}|grpc\n`);
  });
}

module.exports = { serve, Failure };
