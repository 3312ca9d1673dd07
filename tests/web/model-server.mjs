// Serves one file as model hosts do, in ranges, and does what a test tells it to do instead.
import { createServer } from 'node:http';

/**
 * @param {Uint8Array} bytes of the file, which may be exchanged later
 * @param {Record<string, string>} [headers] of every answer
 */
export async function serveModel(bytes, headers = {}) {
    const server = {
        bytes,
        headers,
        /** What was asked for: [begin, end] of each request, end undefined for the rest. */
        requests: [],
        /** Whether and how to answer otherwise: called with (request, response, begin, end). */
        fault: undefined,
    };
    const http = createServer((request, response) => {
        const [, first, last] = request.headers.range?.match(/^bytes=(\d+)-(\d*)$/) ?? [];
        const begin = Number(first ?? 0);
        const end = last ? Number(last) + 1 : undefined;
        server.requests.push([begin, end]);
        if (server.fault?.(request, response, begin, end)) return;
        const { length } = server.bytes;
        const part = server.bytes.subarray(begin, end);
        response.writeHead(first === undefined ? 200 : 206, {
            ...headers,
            'content-length': part.length,
            ...(first === undefined
                ? {}
                : { 'content-range': `bytes ${begin}-${begin + part.length - 1}/${length}` }),
        });
        response.end(part);
    });
    await new Promise((resolve) => http.listen(0, resolve));
    server.url = `http://localhost:${http.address().port}/model`;
    server.close = () => {
        http.close();
        http.closeAllConnections();
    };
    return server;
}

/** Sends the part up to `at` bytes of the file, and cuts the connection. */
export const cutAt = (at) =>
    function (request, response, begin, end) {
        const part = this.bytes.subarray(begin, end);
        response.writeHead(206, {
            ...this.headers,
            'content-length': part.length,
            'content-range': `bytes ${begin}-${begin + part.length - 1}/${this.bytes.length}`,
        });
        // Later, as what has come and is not read yet is lost with the connection.
        response.write(this.bytes.subarray(begin, at), () =>
            setTimeout(() => response.destroy(), 1500),
        );
        return true;
    };
