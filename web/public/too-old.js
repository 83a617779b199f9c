// Runs only in browsers without script modules, so it is written for them.
document.getElementById('too-old').hidden = false;
