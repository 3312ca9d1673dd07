/** @type {MessageChannel | undefined} */
let channel;

/**
 * Lets every message that has arrived be read. A timer would wait a millisecond or more; a promise
 * would let nothing in. Node works off up to 1000 messages of one port before it looks at another,
 * so there the channel would keep an abort waiting; it has setImmediate instead.
 * @returns {Promise<void>}
 */
export function breathe() {
    if (typeof setImmediate === 'function') return new Promise((resolve) => setImmediate(resolve));
    channel ??= new MessageChannel();
    const { port1, port2 } = channel;
    return new Promise((resolve) => {
        port1.onmessage = () => resolve();
        port2.postMessage(null);
    });
}
