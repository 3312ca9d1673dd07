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
        /** What was asked for: [begin, end] of each request, end undefined for the rest; and its headers. */
        requests: [],
        asked: [],
        /** Whether and how to answer otherwise: called with (request, response, begin, end). */
        fault: undefined,
    };
    const http = createServer((request, response) => {
        const [, first, last] = request.headers.range?.match(/^bytes=(\d+)-(\d*)$/) ?? [];
        const begin = Number(first ?? 0);
        const end = last ? Number(last) + 1 : undefined;
        server.requests.push([begin, end]);
        server.asked.push(request.headers);
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
    server.url = `http://localhost:${port}/model`;
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

/** Sends the part up to `at` bytes of the file, and cuts the connection. */
export const cutAt = (at) =>
    function (request, response, begin, end) {
        response.writeHead(206, partHeaders(this, begin, end));
        // Later, as what has come and is not read yet is lost with the connection.
        response.write(this.bytes.subarray(begin, at), () =>
            setTimeout(() => response.destroy(), 100),
        );
        return true;
    };

/** Each of these faults in turn, one a request, and then none. */
export const inTurn = (...faults) =>
    function (...args) {
        return faults.shift()?.apply(this, args);
    };
