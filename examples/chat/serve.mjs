// Serves the chat page on this machine.
import { createServer } from 'node:http';
import { extname } from 'node:path';
import sirv from 'sirv';
import { headersFor } from './headers.mjs';
import { TYPES, makeSite } from './site.mjs';

/**
 * sirv takes any range as it comes, and ends the process over one that runs backwards, or to a byte beyond all numbers. What
 * is no plain range may be passed over, and then the whole file is the answer.
 * @param {import('node:http').IncomingMessage} request
 */
function dropBadRange({ headers }) {
    const [, first, last] = headers.range?.match(/^bytes=(\d{1,15})-(\d{0,15})$/) ?? [];
    // the last byte being the first one of all, sirv reads as none
    const isFine = first !== undefined && (!last || Math.max(Number(first), 1) <= Number(last));
    if (!isFine) delete headers.range;
}

/**
 * A file that has gone since the start ends its answer, not the server; a reader that has gone, the reading of its file.
 * @param {import('node:http').ServerResponse} response
 */
function watchFile(response) {
    response.once('pipe', (file) => {
        file.once('error', () => response.destroy());
        response.once('close', () => file.destroy());
    });
}

/**
 * @param {{port?: number} & import('./site.mjs').SiteOptions} [options] port 0: any that is free
 * @returns {Promise<{url: string, close: () => void}>}
 */
export async function serveChat({ port = 0, ...site } = {}) {
    const headers = new Map(Object.entries(headersFor(site.allowed)));
    // 'no-cache': browsers ask whether a file is still the same, so that those of two versions do not mix
    headers.set('Cache-Control', 'no-cache');
    const files = sirv(makeSite(site), {
        etag: true,
        setHeaders: (response, path) => {
            const type = TYPES[extname(path)];
            if (type) response.setHeader('Content-Type', type);
        },
    });
    const server = createServer((request, response) => {
        response.setHeaders(headers);
        dropBadRange(request);
        watchFile(response);
        files(request, response, () => response.writeHead(404).end('not found\n'));
    });
    await new Promise((done, failed) => server.on('error', failed).listen(port, 'localhost', done));
    const close = () => {
        server.close();
        server.closeAllConnections();
    };
    return { url: `http://localhost:${server.address().port}/`, close };
}
