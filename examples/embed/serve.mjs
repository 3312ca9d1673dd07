#!/usr/bin/env node
// A plain server of static files, without a header that a page could need: `node examples/embed/serve.mjs [port]`.
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const page = '/examples/embed/index.html';
const types = {
    '.html': 'text/html; charset=utf-8',
    '.js': 'text/javascript',
    '.mjs': 'text/javascript',
    '.wasm': 'application/wasm',
};

const server = createServer(async (request, response) => {
    try {
        const { pathname } = new URL(request.url, 'http://localhost');
        const asked = normalize(decodeURIComponent(pathname));
        if (asked.includes('/.')) throw new Error('it is hidden');
        const path = join(root, asked);
        const found = await stat(path);
        if (!found.isFile()) throw new Error('it is a folder');
        const type = types[extname(path)] ?? 'application/octet-stream';
        response.writeHead(200, { 'content-type': type, 'content-length': found.size });
        // a client that leaves in between is no error, and the file is closed
        await pipeline(createReadStream(path), response).catch(() => {});
    } catch {
        response.writeHead(404).end('not found\n');
    }
});

function fail(sentence) {
    console.error(sentence);
    process.exit(1);
}

const port = process.argv[2] ?? '8081';
if (!/^\d+$/.test(port) || Number(port) > 65535)
    fail(`${port} is no port: write a number from 0, any that is free, to 65535`);
server.on('error', ({ message }) => fail(message));
server.listen(Number(port), 'localhost', () =>
    console.log(`The page is at http://localhost:${server.address().port}${page} (Ctrl-C ends it)`),
);
