#!/bin/sh
# This starts your site. Backlot runs it when the first visitor comes.
cd /site
exec python3 app.py
