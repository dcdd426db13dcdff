"""`qaml transfer`: do images that fool one model fool another?"""
