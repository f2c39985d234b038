#!/usr/bin/env node
// A connector for folders: reads *.json, archives what is safe, writes one file
// per record. All that is about Crossdock is in crossdock.js.
'use strict';
const fs = require('fs');
const path = require('path');
const { serve, Failure } = require('./crossdock');

const schema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'node-folder',
  type: 'object',
  required: ['dir'],
  additionalProperties: false,
  properties: {
    dir: { type: 'string', title: 'Folder', description: 'Folder to read documents from or write them to' },
    archive: { type: 'string', title: 'Archive', description: 'Where read documents go, below dir', default: 'done' },
  },
};

// validate reports every problem at once, each with the field at fault.
function validate(config) {
  const found = [];
  for (const name of schema.required) {
    if (!(name in config)) found.push({ field: '/' + name, message: `${name}: is required and missing` });
  }
  for (const [name, value] of Object.entries(config)) {
    const property = schema.properties[name];
    if (!property) {
      found.push({ field: '/' + name, message: `${name}: is not a key of this connector`, hint: 'known keys: ' + Object.keys(schema.properties).join(', ') });
    } else if (typeof value !== property.type) {
      found.push({ field: '/' + name, message: `${name}: expected ${property.type}, found ${typeof value}` });
    }
  }
  return found;
}

const listFolder = (dir) => {
  fs.readdirSync(dir);
  return 'list folder';
};

function source({ dir, archive = 'done' }) {
  const offered = new Set();
  return {
    check: () => listFolder(dir),
    read(max) {
      const names = fs.readdirSync(dir).filter((n) => n.endsWith('.json') && !n.startsWith('.') && !offered.has(n)).sort();
      return names.slice(0, max).map((name) => {
        offered.add(name);
        return { id: name, key: name, position: name, payload: fs.readFileSync(path.join(dir, name)), meta: { file: name } };
      });
    },
    ack(records) {
      fs.mkdirSync(path.join(dir, archive), { recursive: true });
      for (const r of records) fs.renameSync(path.join(dir, r.id), path.join(dir, archive, r.id));
    },
  };
}

function sink({ dir }) {
  return {
    check: () => listFolder(dir),
    write(record) {
      try {
        JSON.parse(record.payload.toString());
      } catch (err) {
        throw new Failure('PERMANENT', 'node.json', err.message);
      }
      const name = encodeURIComponent(record.id) + '.json';
      if (fs.existsSync(path.join(dir, name))) throw new Failure('DUPLICATE', 'node.exists', `${name} was written before`);
      const temp = path.join(dir, '.' + name);
      fs.writeFileSync(temp, record.payload);
      fs.renameSync(temp, path.join(dir, name));
      return { externalId: name };
    },
  };
}

const call = ({ dir }) => ({
  check: () => listFolder(dir),
  call(operation, record) {
    if (operation !== 'count') throw new Failure('PERMANENT', 'node.operation', `no operation "${operation}"; there is count`);
    return { id: record.id, payload: JSON.stringify({ documents: fs.readdirSync(dir).length }) };
  },
});

serve({
  spec: { name: 'node-folder', version: '1.0.0', summary: 'Reads and writes JSON documents in a folder', effect: 'file named by the record id', schema },
  validate, source, sink, call,
});
