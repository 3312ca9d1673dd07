// Ways by which a page could tell another server something, for tests/web/chat-leaks.test.mjs, which puts this file into
// the chat page. Each tries to reach the address it is given.

/** @param {string} tag @param {object} properties */
function add(tag, properties) {
    const element = Object.assign(document.createElement(tag), properties);
    document.body.append(element);
    return element;
}

const link = (rel, more) => (url) => add('link', { rel, href: url, ...more });
const blobOf = (text) => URL.createObjectURL(new Blob([text], { type: 'text/javascript' }));
const ownWorker = (name) => new Worker(name, { type: 'module' });
const socket = (url) => url.replace(/^http/, 'ws');

/** Of a style sheet of scripts, which no policy forbids to exist. */
function rule(text) {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(text);
    document.adoptedStyleSheets.push(sheet);
}

export const requests = {
    fetch: (url) => fetch(url),
    'fetch without cors': (url) => fetch(url, { mode: 'no-cors' }),
    'fetch kept alive': (url) => fetch(url, { method: 'POST', mode: 'no-cors', keepalive: true }),
    XMLHttpRequest: (url) => {
        const request = new XMLHttpRequest();
        request.open('GET', url);
        request.send();
    },
    sendBeacon: (url) => navigator.sendBeacon(url, 'x'),
    WebSocket: (url) => new WebSocket(socket(url)),
    EventSource: (url) => new EventSource(url),
    img: (url) => add('img', { src: url }),
    'img srcset': (url) => add('img', { srcset: `${url} 2x` }),
    'svg image': (url) => {
        const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
        const image = document.createElementNS('http://www.w3.org/2000/svg', 'image');
        image.setAttribute('href', url);
        svg.append(image);
        document.body.append(svg);
    },
    'input image': (url) => add('input', { type: 'image', src: url }),
    'style sheet': link('stylesheet'),
    prefetch: link('prefetch'),
    preload: link('preload', { as: 'image' }),
    modulepreload: link('modulepreload'),
    icon: link('icon'),
    manifest: (url) => {
        document.querySelector('link[rel=manifest]')?.remove();
        add('link', { rel: 'manifest', href: url });
    },
    iframe: (url) => add('iframe', { src: url }),
    object: (url) => add('object', { data: url }),
    embed: (url) => add('embed', { src: url }),
    video: (url) => add('video', { src: url, preload: 'auto' }).load(),
    'video poster': (url) => add('video', { poster: url }),
    audio: (url) => add('audio', { src: url, preload: 'auto' }).load(),
    track: (url) => {
        const video = add('video', {});
        video.append(Object.assign(document.createElement('track'), { src: url, default: true }));
        video.textTracks[0].mode = 'showing';
    },
    'style attribute': (url) => {
        add('p', {}).setAttribute('style', `background-image: url(${url})`);
    },
    'style of a script': (url) => {
        add('p', { textContent: 'x' }).style.backgroundImage = `url(${url})`;
    },
    'style rule of a script': (url) => rule(`body { background-image: url(${url}) }`),
    'font of a script': (url) => new FontFace('leaking', `url(${url})`).load(),
    script: (url) => add('script', { src: url }),
    import: (url) => import(url),
    worker: (url) => new Worker(url),
    'worker of a blob': (url) => new Worker(blobOf(`fetch(${JSON.stringify(url)})`)),
    'worker of data': (url) =>
        new Worker(`data:text/javascript,fetch(${encodeURIComponent(JSON.stringify(url))})`),
    'shared worker of a blob': (url) => new SharedWorker(blobOf(`fetch(${JSON.stringify(url)})`)),
    'fetch in a worker': (url) => ownWorker('leak-worker.js').postMessage(url),
    'fetch in a worker of a worker': (url) => ownWorker('leak-worker.js#nested').postMessage(url),
    'form post': (url) => {
        const target = add('iframe', { name: 'posted' }).name;
        add('form', { action: url, method: 'post', target }).submit();
    },
    'a ping': (url) => {
        const anchor = add('a', { href: '#here', textContent: 'here' });
        anchor.ping = url;
        anchor.click();
    },
    'service worker': (url) => navigator.serviceWorker.register(url),
    'meta refresh in a frame': (url) => {
        const frame = add('iframe', {});
        frame.srcdoc = `<meta http-equiv="refresh" content="0; url=${url}">`;
    },
    'base and a relative image': (url) => {
        const base = document.createElement('base');
        base.href = `${url}/`;
        document.head.append(base);
        add('img', { src: 'image' });
        base.remove();
    },
    markup: (url) => {
        const box = document.createElement('div');
        document.body.append(box);
        box.innerHTML = `<img src="${url}">`;
    },
    'window.open': (url) => window.open(url),
};

/** Those that leave the page, each from a page of its own. */
export const departures = {
    'location.href': (url) => (location.href = url),
    'location.replace': (url) => location.replace(url),
    'meta refresh': (url) => {
        const meta = document.createElement('meta');
        meta.httpEquiv = 'refresh';
        meta.content = `0; url=${url}`;
        document.head.append(meta);
    },
    'form in the page': (url) => add('form', { action: url }).submit(),
    'click of a script': (url) => add('a', { href: url, textContent: 'x' }).click(),
};

/** Those that are no request; what comes is seen as packets. */
export const packets = {
    WebRTC: async (url) => {
        const { port } = new URL(url);
        const peer = new RTCPeerConnection({ iceServers: [{ urls: `stun:127.0.0.1:${port}` }] });
        peer.createDataChannel('x');
        await peer.setLocalDescription(await peer.createOffer());
    },
    WebTransport: (url) => new WebTransport(url.replace('http:', 'https:')),
};

/** Not even a request, but a connection. */
export const connections = { preconnect: link('preconnect') };

/** Tries one; says what it came to. */
export async function leak(name, url) {
    const attempt = { ...requests, ...departures, ...packets, ...connections }[name];
    const enough = new Promise((resolve) => setTimeout(resolve, 100));
    try {
        await Promise.race([attempt(url), enough]);
        return 'tried';
    } catch (error) {
        return String(error);
    }
}
