/* Of threshold_html.c only: what moves when the slider does. The page's security policy names the
 * script by its hash, and a test compares the two. No '<', '&' or quotes that XML would mind. */
#ifndef KITH_CLI_THRESHOLD_THRESHOLD_SCRIPT_H
#define KITH_CLI_THRESHOLD_THRESHOLD_SCRIPT_H

static const char kith_threshold_script[] =
    "(function () {\n"
    "  'use strict';\n"
    "  var points = document.querySelectorAll('details.point');\n"
    "  var slider = document.getElementById('slider');\n"
    "  var say = document.getElementById('say');\n"
    "  var marker = document.getElementById('marker');\n"
    "  var value = document.getElementById('value');\n"
    "  var band = document.getElementById('band');\n"
    "  function dots(id, n) {\n"
    "    document.querySelectorAll('#' + id + ' circle').forEach(function (dot, i) {\n"
    "      dot.setAttribute('class', n > i ? 'on' : 'off');\n"
    "    });\n"
    "  }\n"
    "  function show(i) {\n"
    "    points.forEach(function (point, k) {\n"
    "      point.hidden = k !== i;\n"
    "      point.open = k === i;\n"
    "    });\n"
    "    var data = points[i].dataset;\n"
    "    say.textContent = data.say;\n"
    "    value.textContent = data.threshold;\n"
    "    slider.setAttribute('aria-valuetext', data.threshold + '. ' + data.say);\n"
    "    band.hidden = data.inside === '1';\n"
    "    marker.setAttribute('x1', data.x);\n"
    "    marker.setAttribute('x2', data.x);\n"
    "    dots('wrong', Number(data.wrong));\n"
    "    dots('missed', Number(data.missed));\n"
    "    document.getElementById('wrongsay').textContent = data.wrongsay;\n"
    "    document.getElementById('missedsay').textContent = data.missedsay;\n"
    "  }\n"
    "  document.getElementById('control').hidden = false;\n"
    "  slider.addEventListener('input', function () { show(Number(slider.value)); });\n"
    "  show(Number(slider.value));\n"
    "}());\n";

/* Its SHA-256, in base64. */
static const char kith_threshold_script_hash[] = "xIEdLHuWFWn/Goi7Y66RtvHDjm2+Kk5A72+0shezF8A=";

#endif
