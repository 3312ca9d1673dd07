/** @typedef {import('./bindings.js').Bindings} Bindings */
/** @typedef {(bytes: Uint8Array) => void} Write gets copies, in order */

/**
 * Writes the packed file.
 * @param {Bindings} c
 * @param {number} model
 * @param {string | null} card a JSON object as text; null keeps the model's own
 * @param {Write} write
 */
export function writePacked(c, model, card, write) {
    writeTo(c, write, () => {
        if (card === null) c.call('model_write', model, 0);
        else c.with(card, (text) => c.call('model_write', model, text));
    });
}

/**
 * Writes the model, or a file of its folder, in the container of others.
 * @param {Bindings} c
 * @param {number} model
 * @param {string} what tq2_0, i2_s, or the file's name
 * @param {Write} write
 */
export function writeExport(c, model, what, write) {
    writeTo(c, write, () => c.call('model_export', model, c.constants.export[what]));
}

/**
 * @param {Bindings} c
 * @param {Write} write
 * @param {() => void} work a call of the engine that writes
 */
export function writeTo(c, write, work) {
    /** @type {unknown} */
    let failure;
    c.sink = (address, n) => {
        try {
            write(c.copy(address, n));
            return 0;
        } catch (error) {
            failure = error; // an exception must not unwind the frames of C
            return 1;
        }
    };
    try {
        work();
    } catch (error) {
        throw failure ?? error;
    }
}
