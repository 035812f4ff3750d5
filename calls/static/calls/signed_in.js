/* Tells the forms of other windows that somebody has signed in, and closes this one. */
const channel = new BroadcastChannel("session");
channel.postMessage("signed in");
channel.close();
if (window.opener) window.close();
