#!/usr/bin/env node
// Serves the chat page: `npm start -- [--port 8080] [--allow-host https://example.org]`.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';
import sirv from 'sirv';
import { makeSite } from './site.mjs';

const read = (name) => JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8'));

/** The headers of every answer; models may come from these hosts. */
export function headersFor(hosts) {
    const fill = (value) => value.replace('{hosts}', hosts.join(' '));
    return Object.fromEntries(
        Object.entries(read('headers.json')).map(([name, value]) => [name, fill(value)]),
    );
}

/** What stands in a policy must be an origin and nothing more: a semicolon would begin another rule. */
function checkHost(text) {
    const { origin } = new URL(text);
    if (origin !== text) throw new Error(`--allow-host ${text}: write its origin, ${origin}`);
    return origin;
}

/**
 * @param {{port?: number, allowed?: string[]}} [options] port 0: any that is free
 * @returns {Promise<{url: string, close: () => void}>}
 */
export async function serveChat({ port = 0, allowed = [] } = {}) {
    const headers = headersFor([...read('hosts.json'), ...allowed.map(checkHost)]);
    const files = sirv(makeSite(), {
        setHeaders: (response) => response.setHeaders(new Map(Object.entries(headers))),
    });
    const server = createServer((request, response) =>
        files(request, response, () => response.writeHead(404, headers).end('not found\n')),
    );
    await new Promise((done, failed) => server.on('error', failed).listen(port, 'localhost', done));
    const close = () => {
        server.close();
        server.closeAllConnections();
    };
    return { url: `http://localhost:${server.address().port}/`, close };
}

if (import.meta.filename === process.argv[1]) {
    const { values } = parseArgs({
        options: {
            port: { type: 'string', default: '8080' },
            'allow-host': { type: 'string', multiple: true, default: [] },
        },
    });
    const { url } = await serveChat({ port: Number(values.port), allowed: values['allow-host'] });
    console.log(`The chat page is at ${url} (Ctrl-C ends it)`);
}
