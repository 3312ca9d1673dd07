// All that a browser asks the network for, localhost included, goes through this server, which knows nobody but it.
import { once } from 'node:events';
import { createServer, request as ask } from 'node:http';

/** What browsers ask by themselves. */
const MAKERS = /^\w+ \S+\.(google|googleapis|gstatic|gvt1|mozilla|firefox)\.(com|net|org)\b/;

/**
 * @param {import('node:test').TestContext} t
 * @returns {Promise<{asked: string[], options: import('./browsers.mjs').BrowserOptions}>} asked: method and address of each
 *   request but those to the browser's maker; options: for openBrowser
 */
export async function startProxy(t) {
    const asked = [];
    const note = (line) => MAKERS.test(line) || asked.push(line);
    const server = createServer((request, response) => {
        note(`${request.method} ${request.url}`);
        const { hostname } = new URL(request.url);
        if (hostname !== 'localhost') return void response.writeHead(502).end();
        const { method, headers } = request;
        const onward = ask(request.url, { method, headers }, (answer) => {
            response.writeHead(answer.statusCode, answer.rawHeaders);
            answer.pipe(response);
        });
        onward.on('error', () => response.writeHead(502).end());
        request.pipe(onward);
    });
    server.on('connect', (request, socket) => {
        note(`CONNECT ${request.url}`);
        socket.end('HTTP/1.1 502 \r\n\r\n');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => {
        server.close();
        server.closeAllConnections();
    });
    const { port } = server.address();
    return {
        asked,
        options: {
            args: [`--proxy-server=http://127.0.0.1:${port}`, '--proxy-bypass-list=<-loopback>'],
            preferences: {
                'network.proxy.type': 1,
                'network.proxy.http': '127.0.0.1',
                'network.proxy.http_port': port,
                'network.proxy.ssl': '127.0.0.1',
                'network.proxy.ssl_port': port,
                'network.proxy.allow_hijacking_localhost': true,
            },
        },
    };
}
