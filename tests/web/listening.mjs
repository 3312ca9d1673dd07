// A server of another origin that hears whoever asks it anything.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createTcpServer } from 'node:net';

/**
 * @param {import('node:test').TestContext} t
 * @returns {Promise<{url: string, heard: Set<string>}>} heard: the paths that were asked for
 */
export async function listenForRequests(t) {
    const heard = new Set();
    const server = createServer((request, response) => {
        heard.add(decodeURIComponent(request.url.slice(1)));
        response.writeHead(200, { 'access-control-allow-origin': '*' }).end();
    });
    server.on('upgrade', (request, socket) => {
        heard.add(decodeURIComponent(request.url.slice(1)));
        socket.destroy();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => {
        server.close();
        server.closeAllConnections();
    });
    return { url: `http://127.0.0.1:${server.address().port}/`, heard };
}

/** @returns {Promise<{url: string, count: () => number}>} counts connections, whatever they say */
export async function listenForConnections(t) {
    let n = 0;
    const server = createTcpServer((socket) => {
        n++;
        socket.on('error', () => {}).destroy();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    return { url: `http://127.0.0.1:${server.address().port}/`, count: () => n };
}

/** @returns {Promise<{url: string, count: () => number}>} counts packets of UDP */
export async function listenForPackets(t) {
    let n = 0;
    const socket = createSocket('udp4', () => n++).bind(0, '127.0.0.1');
    await once(socket, 'listening');
    t.after(() => socket.close());
    return { url: `http://127.0.0.1:${socket.address().port}/`, count: () => n };
}
