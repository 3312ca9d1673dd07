// An engine's worker in which things go wrong when a test says so: {fault: {kind, after}} arms it, and the engine's call of
// that number, from 0, does what `kind` says instead of computing. For Node's workers and, as a workerUrl, the browsers'.
import { Bindings } from '../../web/bindings.js';

/**
 * A WebAssembly function of these instructions.
 * @param {number[]} body
 */
function functionOf(body) {
    const bytes = Uint8Array.from([
        ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
        ...[0x01, 0x04, 0x01, 0x60, 0x00, 0x00], // type: () -> ()
        ...[0x03, 0x02, 0x01, 0x00], // one function
        ...[0x07, 0x05, 0x01, 0x01, 0x66, 0x00, 0x00], // exported as f
        ...[0x0a, body.length + 4, 0x01, body.length + 2, 0x00, ...body, 0x0b],
    ]);
    return new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports.f;
}

const plain = Bindings.prototype.plain;
const faults = {
    // the engine's own code, told to read where no memory is
    'out of bounds': (c) =>
        plain.call(c, 'session_ids', 0xffffff00) || plain.call(c, 'session_length', 0xffffff00),
    unreachable: () => functionOf([0x00])(),
    'division by zero': () => functionOf([0x41, 1, 0x41, 0, 0x6d, 0x1a])(),
    'stack overflow': () => functionOf([0x10, 0])(),
    abort: () => {
        throw new WebAssembly.RuntimeError('Aborted()');
    },
    hang: () => {
        for (;;);
    },
};

/** The fault, and where to tell that it strikes. @type {{kind: string, after: number, post: (message: any) => void} | undefined} */
let armed;
/** How often the engine was called after a fault: never, that is. */
let calledAfter = -1;
Bindings.prototype.plain = function (name, ...args) {
    if (calledAfter >= 0) calledAfter++;
    if (name === 'session_run' && armed && armed.after-- === 0) {
        calledAfter = 0;
        armed.post({ id: 'struck' });
        faults[armed.kind](this);
    }
    return plain.call(this, name, ...args);
};

/**
 * What takes the place of Worker for the engine's threads: its `threads` are silent or throw, where that is wanted.
 * @param {any} NativeWorker
 * @param {string} [kind]
 * @param {any[]} throwing what to start one with that throws
 */
export function faultyWorker(NativeWorker, kind, throwing) {
    return class FaultyWorker extends NativeWorker {
        static threads = [];

        constructor(...args) {
            super(...(kind === 'throwing' ? throwing : args));
            FaultyWorker.threads.push(this);
        }

        postMessage(...args) {
            if (kind !== 'silent') super.postMessage(...args);
        }
    };
}

/**
 * Between the messages that come and the one who serves them.
 * @param {(message: any) => void} take
 * @param {(message: any) => void} post
 * @param {{end: () => void, threads: any[]}} worker how it ends from within, and its threads
 */
export const withFaults =
    (take, post, { end, threads }) =>
    (message) => {
        if (!message?.fault) return take(message);
        if (message.fault === 'end') end();
        else if (message.fault === 'thread') threads.at(-1).terminate();
        else if (message.fault === 'count') post({ id: 'count', calledAfter });
        else armed = { ...message.fault, post };
    };
