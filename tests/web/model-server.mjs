// Serves one file, or those of a hub, as model hosts do, in ranges, and does what a test tells it to do instead.
import { createServer } from 'node:http';

/**
 * @param {Uint8Array} bytes of the file, which may be exchanged later
 * @param {Record<string, string>} [headers] of every answer
 */
export async function serveModel(bytes, headers = {}) {
    const server = {
        bytes,
        headers,
        /** By path, instead of the one file. */
        files: undefined,
        /** What was asked for: [begin, end] of each request, end undefined for the rest, or more; and its headers. */
        requests: [],
        paths: [],
        asked: [],
        /** Whether and how to answer otherwise: called with (request, response, begin, end). */
        fault: undefined,
    };
    const http = createServer((request, response) => {
        const [, first, last] = request.headers.range?.match(/^bytes=(\d+)-(\d*)$/) ?? [];
        const begin = Number(first ?? 0);
        const whole = server.files ? server.files[request.url] : server.bytes;
        const end = last && Number(last) < whole?.length ? Number(last) + 1 : undefined;
        server.requests.push([begin, end]);
        server.paths.push(request.url);
        server.asked.push(request.headers);
        if (server.fault?.(request, response, begin, end)) return;
        if (whole === undefined) return void response.writeHead(404).end();
        const { length } = whole;
        const part = whole.subarray(begin, end);
        response.writeHead(first === undefined ? 200 : 206, {
            ...headers,
            'content-length': part.length,
            ...(first === undefined
                ? {}
                : { 'content-range': `bytes ${begin}-${begin + part.length - 1}/${length}` }),
        });
        response.end(part);
    });
    let port = 0;
    server.start = () => new Promise((resolve) => http.listen(port, resolve));
    /** Nobody is there any more, until it starts again at the same address. */
    server.stop = () => {
        const stopped = new Promise((resolve) => http.close(resolve));
        http.closeAllConnections();
        return stopped;
    };
    server.close = () => void server.stop();
    await server.start();
    ({ port } = http.address());
    server.origin = `http://localhost:${port}`;
    server.url = `${server.origin}/model`;
    return server;
}

export const COMMIT = 'c0ffee'.padEnd(40, '0');

/** A hub of one repository with these files, all of one commit; a listing in place of its own, when there is one. */
export async function serveHub(t, repository, files, listing) {
    const server = await serveModel(new Uint8Array(0));
    t.after(() => server.close());
    const siblings = Object.keys(files).map((rfilename) => ({ rfilename }));
    const text = listing ?? JSON.stringify({ id: repository, sha: COMMIT, siblings });
    const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text;
    server.files = { [`/api/models/${repository}/revision/main`]: bytes };
    for (const [name, content] of Object.entries(files))
        for (const revision of ['main', COMMIT])
            server.files[`/${repository}/resolve/${revision}/${name}`] = content;
    return server;
}

/** The headers of a part, as they should be. */
export function partHeaders(server, begin, end = server.bytes.length) {
    return {
        ...server.headers,
        'content-length': end - begin,
        'content-range': `bytes ${begin}-${end - 1}/${server.bytes.length}`,
    };
}

/** Sends the part up to `at` bytes of the file, and so much later cuts the connection. */
export const cutAt = (at, ms = 100) =>
    function (request, response, begin, end) {
        response.writeHead(206, partHeaders(this, begin, end));
        // What has come and is not read yet is lost with the connection.
        response.write(this.bytes.subarray(begin, at), () =>
            setTimeout(() => response.destroy(), ms),
        );
        return true;
    };

/** Each of these faults in turn, one a request, and then none. */
export const inTurn = (...faults) =>
    function (...args) {
        return faults.shift()?.apply(this, args);
    };

/** Answers with these headers instead of the right ones (undefined takes one away), and with another body. */
export const withHeaders = (changes, status = 206, body = undefined) =>
    function (request, response, begin, end) {
        const all = { ...partHeaders(this, begin, end), ...changes };
        const there = Object.entries(all).filter(([, value]) => value !== undefined);
        response.writeHead(status, Object.fromEntries(there));
        response.end(body ?? this.bytes.subarray(begin, end));
        return true;
    };

/** Answers with what no server of HTTP would send: this head, the part up to `at`, and the end. */
export const raw = (head, at = Infinity) =>
    function (request, response, begin, end = this.bytes.length) {
        const part = this.bytes.subarray(begin, Math.min(at, end));
        const range = `content-range: bytes ${begin}-${end - 1}/${this.bytes.length}`;
        const own = Object.entries(this.headers).map((pair) => pair.join(': '));
        const text = [...head, ...own].map((line) =>
            line.replace('RANGE', range).replace('LENGTH', end - begin),
        );
        response.socket.write(`${text.join('\r\n')}\r\n\r\n`);
        response.socket.end(part);
        return true;
    };

/** Sends the part up to `at`, and then nothing more. */
export const silentAt = (at) =>
    function (request, response, begin, end) {
        response.writeHead(206, partHeaders(this, begin, end));
        if (at <= begin) response.flushHeaders();
        else response.write(this.bytes.subarray(begin, at));
        return true;
    };

/** Refuses with this status. */
export const status = (number, headers = {}, body = '') =>
    function (request, response) {
        response.writeHead(number, { ...this.headers, ...headers }).end(body);
        return true;
    };

/** A file that does not know ranges. */
export const whole = (headers = {}, bytes = undefined) =>
    function (request, response) {
        response.writeHead(200, { ...this.headers, ...headers }).end(bytes ?? this.bytes);
        return true;
    };
