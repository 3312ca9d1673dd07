// What answers the bench from inside the process or page of an engine.
let engine;

/** @param {'open' | 'complete' | 'close'} op */
export async function call(op, args) {
    if (op !== 'open') return engine[op](...args);
    const [{ module, ...options }] = args;
    engine = await (await import(module)).open(options);
    return engine.about;
}
