import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { root } from './helpers.mjs';

const types = {
    '.css': 'text/css',
    '.html': 'text/html; charset=utf-8',
    '.js': 'text/javascript',
    '.mjs': 'text/javascript',
    '.svg': 'image/svg+xml',
    '.wasm': 'application/wasm',
};

const isolation = {
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-embedder-policy': 'require-corp',
};

/**
 * Serves the repository, or another folder; with `isolated`, pages may use threads. `headersOf` gives more headers for a path, `files`
 * are texts that are in no folder. Resolves to {url, close}.
 */
export async function startServer({ isolated, headersOf = () => ({}), files = {}, folder = root }) {
    const server = createServer(async (request, response) => {
        const { pathname } = new URL(request.url, 'http://x');
        const path = normalize(decodeURIComponent(pathname)).replace(/\/$/, '/index.html');
        if (path in files) {
            const type = types[extname(path)];
            const headers = { 'content-type': type, ...(isolated ? isolation : {}) };
            response.writeHead(200, headers).end(files[path]);
            return;
        }
        try {
            const { size } = await stat(join(folder, path));
            response.writeHead(200, {
                'content-type': types[extname(path)] ?? 'application/octet-stream',
                'content-length': size,
                ...(isolated ? isolation : {}),
                ...headersOf(path),
            });
            // a test that is over takes its folder away
            const file = createReadStream(join(folder, path)).on('error', () => response.destroy());
            file.pipe(response);
        } catch {
            response.writeHead(404).end();
        }
    });
    await new Promise((resolve) => server.listen(0, resolve));
    return {
        url: `http://localhost:${server.address().port}`,
        close: () => {
            server.close();
            server.closeAllConnections();
        },
    };
}
