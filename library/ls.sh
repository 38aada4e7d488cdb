#!/bin/bash
sleep 1
ls "$@"
