"""The audit of an attack: is a model robust, or does the attack just fail?"""
