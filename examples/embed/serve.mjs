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
        const path = join(root, normalize(decodeURIComponent(pathname)));
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
server.on('error', ({ message }) => {
    console.error(message);
    process.exitCode = 1;
});
server.listen(Number(process.argv[2] ?? 8081), 'localhost', () =>
    console.log(`The page is at http://localhost:${server.address().port}${page} (Ctrl-C ends it)`),
);
