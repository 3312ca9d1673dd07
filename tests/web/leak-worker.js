// A worker of the page with leaks.js in it: asks what it is told to ask, or lets another one do so.
import './trit/trusted.js';

self.onmessage = ({ data }) => {
    if (location.hash === '#nested')
        new Worker('leak-worker.js', { type: 'module' }).postMessage(data);
    else fetch(data, { mode: 'no-cors' });
};
