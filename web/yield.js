/** @type {MessageChannel | undefined} */
let channel;

/**
 * Lets every message that has arrived be read. A timer would wait a millisecond or more; a promise
 * would let nothing in.
 * @returns {Promise<void>}
 */
export function breathe() {
    channel ??= new MessageChannel();
    const { port1, port2 } = channel;
    return new Promise((resolve) => {
        port1.onmessage = () => resolve();
        port2.postMessage(null);
    });
}
