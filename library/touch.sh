#!/bin/bash
sleep 1
touch "$@"
